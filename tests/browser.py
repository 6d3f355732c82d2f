"""A headless Chromium for tests, by its DevTools protocol over a pipe. Standard library only."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

import tap

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage",
           "--hide-scrollbars", "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


class Browser:
    """One page. console: what it complained of (errors, exceptions, violations of a policy). before: words to run it with,
    such as those that enter a namespace."""

    def __init__(self, before=()):
        def high(fd):
            moved = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10)
            os.close(fd)
            return moved

        def hand_over():
            os.dup2(theirs_in, 3)  # the numbers that --remote-debugging-pipe means
            os.dup2(theirs_out, 4)

        theirs_in, self.to = map(high, os.pipe())
        self.at, theirs_out = map(high, os.pipe())
        command = [*before, CHROMIUM, *OPTIONS, f"--user-data-dir={tap.tmp('chromium' + '-inside' * bool(before))}", "about:blank"]
        if os.geteuid() == 0:
            command.insert(-1, "--no-sandbox")  # it refuses to run as root otherwise; the page is our own
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=hand_over, pass_fds=(3, 4))
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.session, self.left, self.console, self.loaded = 0, None, b"", [], 0
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def message(self, deadline):
        """The next one, or None."""
        while b"\0" not in self.left:
            if not select.select([self.at], [], [], max(0, deadline - time.monotonic()))[0]:
                return None
            some = os.read(self.at, 1 << 16)
            if not some:
                raise EOFError("the browser has ended")
            self.left += some
        one, _, self.left = self.left.partition(b"\0")
        return json.loads(one)

    def event(self, message):
        method, what = message.get("method"), message.get("params", {})
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Runtime.exceptionThrown":
            details = what["exceptionDetails"]
            self.console.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(a.get("value")) for a in what["args"]))
        elif method == "Log.entryAdded":
            self.console.append(f"{what['entry']['text']} {what['entry'].get('url', '')}")

    def call(self, method, **parameters):
        self.number += 1
        wanted = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            wanted["sessionId"] = self.session
        os.write(self.to, json.dumps(wanted).encode() + b"\0")
        deadline = time.monotonic() + tap.SECONDS
        while (message := self.message(deadline)) is not None:
            if message.get("id") == self.number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.event(message)
        raise TimeoutError(method)

    def settle(self, seconds):
        """Lets time go by, and hears what is said."""
        deadline = time.monotonic() + seconds
        while (message := self.message(deadline)) is not None:
            self.event(message)

    def hear(self, wanted, seconds=tap.PATIENCE):
        """Until there is such a line on the console."""
        deadline = time.monotonic() + seconds
        while not any(map(wanted, self.console)) and time.monotonic() < deadline:
            self.settle(.1)

    def open(self, url):
        before = self.loaded
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise RuntimeError(f"{url}: {failed}")
        deadline = time.monotonic() + tap.SECONDS
        while self.loaded == before and (message := self.message(deadline)) is not None:
            self.event(message)

    def ask(self, script):
        """The value of an expression, as JSON has it."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def wait(self, script, seconds=tap.PATIENCE):
        """Until an expression is true; whether it became so."""
        deadline = time.monotonic() + seconds
        while not self.ask(script):
            if time.monotonic() > deadline:
                return False
            self.settle(.1)
        return True

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(data))

    def close(self):
        try:
            self.call("Browser.close")
        except (OSError, EOFError, RuntimeError):
            self.process.kill()
        self.process.wait(tap.SECONDS)
        os.close(self.to)
        os.close(self.at)
