"""The ASGI application: the gate, then downloads, reports and health, then Streamlit.

Supervisor runs `python -m dashboard.serving.serve`; `uvicorn dashboard.serving.serve:app` works too.
"""

import asyncio
import gc
import logging
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

from dashboard.gate.acts import acts_of
from dashboard.gate.endpoints import ENDPOINTS, OIDC_ENDPOINTS, OnlyListed
from dashboard.gate.gate import HEALTH_PATH, Door, Gate
from dashboard.gate.oidc import configured_oidc
from dashboard.gate.origins import is_loopback
from dashboard.gate.people import People
from dashboard.gate.proof import proof_route
from dashboard.gate.record import SigninRecord
from dashboard.gate.routes import SignIn
from dashboard.gate.sessions import Sessions
from dashboard.gate.throttle import Throttle
from dashboard.place import Place, find_place
from dashboard.report.route import Reports
from dashboard.serving.exports import Exports
from dashboard.serving.frontend import Frontend
from dashboard.serving.health import Health
from dashboard.serving.options import set_options
from dashboard.serving.plotly_script import plotly_route
from dashboard.serving.repeated import bound_libraries
from dashboard.serving.shown import shown_route
from dashboard.serving.warm import warm
from shared.clock import SystemClock
from shared.cookie_secret import load_secret, secret_path
from shared.errors import ConfigurationError, FlotillaError
from shared.passwords import password_path
from shared.printable import make_logs_harmless, one_line
from shared.private_files import private_files
from shared.unexpected import tell, telling

LOG = logging.getLogger(__name__)
SERVICE = "dashboard"
SCRIPT = Path(__file__).parents[1] / "app.py"
# Supervisor starts a failed process again at once, and does not count.
PAUSE_SECONDS = 5.0
# Who looks on must not slow who trades: where both want a core, the worker comes first.
NICENESS = 5
SETTLE_SECONDS = 10.0


def make_app(place: Place, script: Path = SCRIPT) -> Gate:
    """Put the application of a project together; raises ConfigurationError where it must not be served."""
    set_options(place.settings.dashboard, (script.parent / "static").is_dir())
    clock = SystemClock()
    door = _door(place, clock)
    require_password(place.settings.dashboard.address, door)
    exports, reports, health = Exports(place), Reports(place, clock), Health(place, clock)
    record = SigninRecord(place.root, clock, acts_of(place.root))
    sign_in = SignIn(door, Throttle(clock), record, place.root)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[dict[str, Any]]:
        warm(place.settings)
        gc.collect()
        # What is loaded now stays: whoever collects garbage need not look through it again, which takes 70 ms.
        gc.freeze()
        settling = asyncio.create_task(_settle(record))
        try:
            yield {}
        finally:
            settling.cancel()
            exports.close()
            reports.close()
            health.close()
            record.close()

    import streamlit

    files = [*exports.routes(), shown_route(), *reports.routes(), plotly_route()]
    proof = proof_route(load_secret(secret_path(door.people.path)))
    routes = [*sign_in.routes(), proof, health.route(HEALTH_PATH), *files]
    app = Frontend(streamlit.App(script, lifespan=lifespan, routes=routes))
    listed = OnlyListed(app, ENDPOINTS if door.oidc is None else ENDPOINTS + OIDC_ENDPOINTS)
    return Gate(listed, door, record)


async def _settle(record: SigninRecord) -> None:
    """Write what was counted when its time is over, also where nobody comes after."""
    while True:
        await asyncio.sleep(SETTLE_SECONDS)
        record.settle()


def require_password(address: str, door: Door) -> None:
    """Refuse to listen beyond this machine as long as nobody must sign in."""
    accounts = door.people.require_good()
    if door.oidc is not None and not accounts:
        raise ConfigurationError(
            f"{door.people.path} must name somebody who may sign in, was missing: `flotilla dashboard password NAME`"
        )
    if not accounts and not is_loopback(address):
        raise ConfigurationError(
            f"dashboard.address must be 127.0.0.1 as long as no password is set, was {address}: "
            "`flotilla dashboard password NAME` sets one"
        )


def main() -> int:
    """Serve the project of the current folder until told to stop; give the exit code."""
    make_logs_harmless()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    for name in ("streamlit", "watchdog"):
        logging.getLogger(name).setLevel(logging.WARNING)
    LOG.info("the page is starting (process %d)", os.getpid())
    supervised = "SUPERVISOR_ENABLED" in os.environ
    os.nice(NICENESS)
    with telling(SERVICE), private_files():
        exit_code = _serve(supervised)
        if supervised and exit_code != ConfigurationError.exit_code:
            time.sleep(PAUSE_SECONDS)
        return exit_code


def _serve(supervised: bool) -> int:
    try:
        from dashboard.serving.server import serve

        place = find_place()
        return serve(lambda: _bounded(make_app(place)), place.settings.dashboard, supervised)
    except FlotillaError as error:
        sys.stdout.write(f"{one_line(error)}\n")
        sys.stdout.flush()
        return error.exit_code
    except Exception as error:
        return tell(error, SERVICE)


def _bounded(app: Gate) -> Gate:
    bound_libraries(SystemClock())
    return app


def _door(place: Place, clock: SystemClock) -> Door:
    dashboard = place.settings.dashboard
    people = People(password_path(dashboard.password_file, place.root))
    people.require_good()
    return Door(people, Sessions(people, clock), clock, dashboard.allowed_hosts, configured_oidc())


def _refused(error: FlotillaError) -> NoReturn:
    sys.stderr.write(f"{one_line(error)}\n")
    raise SystemExit(error.exit_code)


def __getattr__(name: str) -> Any:
    # Made when uvicorn asks for it: importing this module starts nothing and reads no settings.
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    make_logs_harmless()
    try:
        return make_app(find_place())
    except FlotillaError as error:
        _refused(error)
    except Exception as error:
        sys.exit(tell(error))


if __name__ == "__main__":
    sys.exit(main())
