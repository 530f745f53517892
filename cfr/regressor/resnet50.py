"""ResNet-50 as Caffe has it: what the weights of Deep3D and of the paper's authors were trained in.

He et al., Deep Residual Learning for Image Recognition, CVPR 2016, with the strides where the
paper has them. timm and torchvision build the later form (v1.5); the names and shapes of the
weights are the same, so that one form takes the other's weights and computes something else.
Source of the difference: ``network/resnet50_task.py`` of changhongjian/Deep3DFaceReconstruction-
pytorch.

==========================  ==================  ===============
where                       Caffe               timm's resnet50
==========================  ==================  ===============
stride 2 of a bottleneck    first 1 × 1         3 × 3
max-pool 3 × 3, stride 2    no border, ceil     border 1, floor
last pool at 224            mean of 7 × 7       mean of all
==========================  ==================  ===============

The last lines agree: at 224 the last map is 7 × 7.
"""

from typing import Any

from torch import nn

NAME = "resnet50"


def build_caffe_resnet50() -> nn.Module:
    """Build it with random weights and without a classifier: timm's, with Caffe's strides."""
    import timm

    network: Any = timm.create_model(NAME, pretrained=False, num_classes=0)
    network.maxpool = nn.MaxPool2d(3, stride=2, padding=0, ceil_mode=True)
    for stage in (network.layer2, network.layer3, network.layer4):
        first = stage[0]
        first.conv1.stride, first.conv2.stride = first.conv2.stride, first.conv1.stride
    return network
