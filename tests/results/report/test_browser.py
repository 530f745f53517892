"""The page in headless Chromium, as wide as a phone: it never scrolls sideways, and it opens."""

import shutil
import subprocess
from pathlib import Path

import pytest

from results.report.page import write_report

HOLDER = """<!doctype html><body style="margin:0"><iframe id="page" src="{name}"
style="border:0;width:{width}px;height:800px"></iframe><script>
addEventListener("load", () => setTimeout(() => {{
  const frame = document.getElementById("page"), inner = frame.contentDocument;
  const root = inner.documentElement, button = inner.querySelector("td > button");
  button.click();
  const box = inner.getElementById(button.getAttribute("popovertarget"));
  const opened = box.matches(":popover-open"), at = box.getBoundingClientRect();
  button.click();
  inner.querySelectorAll("details").forEach((one) => {{ one.open = true; }});
  document.title = [root.scrollWidth, root.clientWidth, opened, at.left >= 0,
    at.right <= root.clientWidth].join(" ");
}}, 500));</script>"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_and_a_number_opens(artifacts: Path, records: Path, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("Chromium is not installed")
    page = write_report(artifacts, records)
    holder = page.with_name("holder.html")
    holder.write_text(HOLDER.format(name=page.name, width=width))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--dump-dom")
    files = "--allow-file-access-from-files"
    answer = subprocess.run(
        [browser, *options, files, f"--user-data-dir={page.parent / 'profile'}",
         "--virtual-time-budget=5000", "--window-size=1300,900", holder.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )  # fmt: skip
    title = answer.stdout.partition("<title>")[2].partition("</title>")[0]
    assert title == f"{width} {width} true true true"
