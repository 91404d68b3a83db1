"""How a page does in Chromium, driven by Selenium: for benchmarks and for tests.

python -m benchmarks.browser    # says what is missing, loudly; nothing if all is there
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVERS: Final = ("chromedriver",)
PATIENCE: Final = 300.0
"""Seconds until a page has to be ready."""
OPTIONS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-unsafe-swiftshader",  # WebGL without a graphics card
    "--use-angle=swiftshader",
)


def missing() -> str:
    """What a browser can't be driven for; empty if all is there."""
    if not any(map(shutil.which, BROWSERS)):
        return "no Chromium (Debian: apt install chromium chromium-driver)"
    if not any(map(shutil.which, DRIVERS)):
        return "no chromedriver (Debian: apt install chromium-driver)"
    try:
        import selenium  # noqa: F401, PLC0415  (the extra tests)
    except ImportError:
        return "no Selenium (pip install 'aiida-mlhull[tests]')"
    return ""


@contextmanager
def browser(*, downloads: Path | None = None, width: int = 1500, height: int = 1000) -> Iterator[Chrome]:
    """Chromium without a window."""
    from selenium import webdriver  # noqa: PLC0415  (the extra tests)
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415

    options = webdriver.ChromeOptions()
    for option in (*OPTIONS, f"--window-size={width},{height}"):
        options.add_argument(option)
    if downloads is not None:
        options.add_experimental_option(
            "prefs",
            {
                "download.default_directory": str(downloads),
                "profile.default_content_setting_values.automatic_downloads": 1,  # a test downloads faster than people
            },
        )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = next(filter(None, map(shutil.which, BROWSERS)))
    options.binary_location = found
    driver = webdriver.Chrome(options, Service(next(filter(None, map(shutil.which, DRIVERS)))))
    driver.set_script_timeout(PATIENCE)
    try:
        yield driver
    finally:
        driver.quit()


def wait_until_ready(driver: Chrome) -> float:
    """Milliseconds from the beginning of the navigation until everything was drawn."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        ready = driver.execute_script("return document.body && document.body.dataset.ready")
        if ready:
            return float(ready)
        time.sleep(0.05)
    raise TimeoutError(f"the page is not ready after {PATIENCE:.0f} s: {driver.get_log('browser')}")


def requests(driver: Chrome) -> list[str]:
    """What the page has asked the network for; files and what it holds itself don't count."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]


def opened(path: Path) -> dict[str, Any]:
    """How long a report takes to open, to draw what is out of sight at first, to filter and to sort."""
    with browser() as driver:
        driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        driver.get(path.as_uri())
        ready = wait_until_ready(driver)
        metrics = {one["name"]: one["value"] for one in driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
        return {
            "browser": driver.capabilities["browserVersion"],
            "table_seconds": round(float(driver.execute_script("return document.body.dataset.table")) / 1000, 2),
            "ready_seconds": round(ready / 1000, 2),
            "ready_cpu_seconds": round(metrics["TaskDuration"], 2),
            "other_charts_seconds": _drawn(driver),
            "filter_text_seconds": _timed(driver, "filters.set('id', '77')"),
            "filter_number_seconds": _timed(driver, "filters.set('above_hull', '<0.05')"),
            "filter_none_seconds": _timed(driver, "filters.clear()"),
            "sort_seconds": _timed(driver, "sorted = {name: 'formation', down: true}"),
            "heap_megabytes": round(metrics["JSHeapUsedSize"] / 1e6, 1),
        }


def _drawn(driver: Chrome) -> float:
    """Seconds for all charts that are out of sight so far."""
    script = "const done = arguments[0], begun = performance.now(); Report.drawAll().then(() => done(performance.now() - begun));"
    return round(float(driver.execute_async_script(script)) / 1000, 2)


def _timed(driver: Chrome, change: str) -> float:
    script = f"const begun = performance.now(); Report.table.{change}; Report.table.apply(); return performance.now() - begun"
    return round(float(driver.execute_script(script)) / 1000, 3)


if __name__ == "__main__":
    if missing():
        print(f"!! THE REPORT'S PAGE IS NOT TESTED IN A BROWSER: {missing()}")
