"""The page in a real browser, headless Chromium: no errors on its console, nothing wider than a phone, contrast,
keyboard, sorting and filtering."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from medalist.agent.report.run_report import write_report
from tests.agent.test_report import EVIL, recorded_run

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or DRIVER is None,
        reason="There is no Chromium here: apt-get install chromium chromium-driver lets these tests run.",
    ),
]
LEAST_CONTRAST = 4.5  # of text, WCAG 2.2, level AA
SIZES = [("phone", 390, 844), ("desktop", 1280, 900)]

#: Text elements whose contrast with what is behind them is too small, as [text, contrast].
CONTRASTS = """
const [least] = arguments;
const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
const light = (c) => {
  const part = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = c.slice(0, 3).map((v) => part(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (e) => {
  for (let at = e; at; at = at.parentElement) {
    const c = parse(getComputedStyle(at).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const found = [];
for (const e of document.querySelectorAll("body *")) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const unseen = ["SCRIPT", "STYLE", "TITLE", "DESC"].includes(e.tagName.toUpperCase()) || !e.getClientRects().length;
  if (!own || unseen) continue;
  const style = getComputedStyle(e);
  const [a, b] = [light(parse(e instanceof SVGElement ? style.fill : style.color)), light(behind(e))];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < least) found.push([e.tagName + ": " + e.textContent.trim().slice(0, 60), contrast]);
}
return found;
"""


#: Names everything that the keyboard should reach, and returns the names.
WANTED = """
const all = [...document.querySelectorAll('a[href], button, input, summary, [tabindex="0"]')];
return all.filter((e) => e.checkVisibility()).map((e, i) => {
  e.dataset.at = `${i} ${e.tagName} ${e.textContent.trim().slice(0, 30)} ${e.className}`;
  return e.dataset.at;
});
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed: pip install '.[dev]'")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


def show(browser: Any, page: Path, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
    """Open a page in a window of that size, with the person's preference for light or dark."""
    preferred = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preferred)
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "width", "height"), SIZES)
def test_no_errors_nothing_wider_than_the_window_and_contrast(
    browser: Any, tmp_path: Path, name: str, width: int, height: int, scheme: str
) -> None:
    run = recorded_run(tmp_path, experiments=12)
    show(browser, write_report(run, str(tmp_path)), width, height, scheme)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width, name
    assert browser.execute_script(CONTRASTS, LEAST_CONTRAST) == []
    assert browser.execute_script("return [...document.querySelectorAll('svg')].every(s => s.getBBox().width > 50)")


@pytest.mark.parametrize("problem_type", ["binary", "multiclass", "regression"])
def test_hostile_names_do_nothing(browser: Any, tmp_path: Path, problem_type: str) -> None:
    run = recorded_run(tmp_path, problem_type=problem_type, hostile=EVIL)
    show(browser, write_report(run, str(tmp_path)))
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object').length") == 0
    assert browser.execute_script("return document.scripts.length") == 1
    assert "<script>alert(1)</script>" in browser.execute_script("return document.body.innerText")


def test_tables_sort_by_keyboard_and_filter(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    run = recorded_run(tmp_path, experiments=12)
    show(browser, write_report(run, str(tmp_path)))
    first = "return document.querySelector('#experiments-table tbody tr:not([hidden]) th').textContent"
    button = "return document.querySelectorAll('#experiments-table th button')[3]"
    assert browser.execute_script(first) == "0"
    browser.execute_script(button).send_keys(Keys.ENTER)
    assert browser.execute_script(first) == "11"  # the greatest score first
    assert browser.execute_script("return document.querySelector('th[aria-sort]').ariaSort") == "descending"
    browser.execute_script(button).send_keys(Keys.SPACE)
    assert browser.execute_script(first) == "0"
    last = "return [...document.querySelectorAll('#experiments-table tbody th')].at(-1).textContent"
    assert browser.execute_script(last) == "2"  # it has no score
    browser.execute_script("return document.querySelector('input[type=search]')").send_keys("crash")
    assert browser.execute_script(first) == "2"
    assert browser.execute_script("return document.querySelector('[data-count]').textContent") == "1 of 12"


def test_the_keyboard_reaches_everything(browser: Any, tmp_path: Path) -> None:
    """With Tab alone: the skip link first, then every link, button, field, summary and scrolled region."""
    from selenium.webdriver.common.keys import Keys

    run = recorded_run(tmp_path)
    show(browser, write_report(run, str(tmp_path)))
    wanted = browser.execute_script(WANTED)
    reached: list[str] = []
    for _ in range(len(wanted) + 10):  # the browser's own stops, such as the page itself, come in between
        browser.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.execute_script("return document.activeElement.dataset.at || ''"))
    assert reached[0].endswith(" skip")
    assert [name for name in wanted if name not in reached] == []
