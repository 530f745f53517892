"use strict";
// Without this script a press on a number opens what it came from all the same.
{
  const wide = matchMedia("(min-width: 44rem)");
  let opened = null, pinned = null, timer = 0;
  const place = (button, box) => {
    if (!wide.matches) { box.removeAttribute("style"); return; }
    const at = button.getBoundingClientRect(), gap = 8;
    const width = document.documentElement.clientWidth;
    box.style.margin = "0";
    box.style.inset = "auto";
    // Beside the number, so that it and its column stay in sight; below or above it where that fails.
    let left = at.right + gap, top = at.top - 24;
    if (left + box.offsetWidth > width - gap) left = at.left - gap - box.offsetWidth;
    if (left < gap) {
      left = Math.max(gap, width - gap - box.offsetWidth);
      top = at.bottom + gap;
      if (top + box.offsetHeight > innerHeight - gap) top = at.top - gap - box.offsetHeight;
    }
    box.style.left = `${left}px`;
    box.style.top = `${Math.max(gap, Math.min(top, innerHeight - gap - box.offsetHeight))}px`;
  };
  const later = (action, wait) => { clearTimeout(timer); timer = setTimeout(action, wait); };
  const close = () => { if (opened && opened !== pinned) opened.hidePopover(); };
  for (const button of document.querySelectorAll("td > button[popovertarget]")) {
    const box = document.getElementById(button.getAttribute("popovertarget"));
    if (!box || !box.showPopover) continue;
    box.addEventListener("toggle", (event) => {
      if (event.newState === "open") { opened = box; place(button, box); return; }
      if (opened === box) opened = null;
      if (pinned === box) pinned = null;
    });
    button.addEventListener("click", (event) => {
      if (opened === box && pinned !== box) event.preventDefault();
      pinned = box;
    });
    button.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "mouse") return;
      later(() => { if (!pinned && !box.matches(":popover-open")) box.showPopover(); }, 160);
    });
    button.addEventListener("pointerleave", () => later(close, 220));
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", () => later(close, 220));
  }
  // A link to what is folded away unfolds it; paper has nothing to unfold.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
}
