"""The sanity probe: does a recognizer get the input that it was trained on?"""
