"""``patrol demo``: embedded broker, simulated plant, the real flow, and what one sees of them."""

import signal
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from ops.commands import command_app

if TYPE_CHECKING:
    from connectors.kafka.stop import Stop
    from ops.demo.campaign import Campaign

app = command_app()

BATCH_WALL_S = 18.0  # at the usual speed one batch passes in so many seconds
_BATCH_S = 26 * 3600.0

Duration = Annotated[
    float | None, typer.Option("--duration", min=5, metavar="S", help="Seconds the plant is shown; sets the speed.")
]
Speed = Annotated[
    float | None, typer.Option("--speed", min=1, metavar="N", help="Times as fast as life. Default: 18 s a batch.")
]
Units = Annotated[int, typer.Option("--units", min=1, max=50, metavar="N", help="Units (bioreactors).")]
Batches = Annotated[int, typer.Option("--batches", min=1, max=100, metavar="N", help="Batches on each unit.")]
Faults = Annotated[
    str,
    typer.Option("--faults", metavar="N|none|LIST", help="How many, or which: e.g. feed_stop,drift:capacitance."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="The same seed, the same plant.")]
Forever = Annotated[bool, typer.Option("--forever", help="Go on until Ctrl-C.")]


@app.command()
def demo(
    duration: Duration = None,
    speed: Speed = None,
    units: Units = 3,
    batches: Batches = 3,
    faults: Faults = "3",
    seed: Seed = 2,
    forever: Forever = False,
) -> None:
    """Show it all: an embedded Kafka broker, a simulated plant with faults, and the real flow that watches it.

    Learns a reference from simulated released batches, starts `patrol run` and `patrol console` (the address and a user
    are printed), publishes the plant with its time sped up, and shows units, batches and deviations live. Ends by
    itself with a summary; Ctrl-C ends it at any time. Everything lives on 127.0.0.1 and in a temporary folder.

    [bold]Examples[/bold]

    patrol demo --duration 120 --units 4

    patrol demo --faults feed_stop,drift:capacitance,stuck:ph --seed 7

    patrol demo --forever --faults none
    """
    from ops.demo.campaign import Campaign, parse_faults
    from ops.demo.campaign import units as units_of

    try:
        wanted = parse_faults(faults, seed)
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--faults") from exc
    if len(wanted) > units * batches:
        raise typer.BadParameter(f"{len(wanted)} faults, but only {units * batches} batches", param_hint="--faults")
    if duration is not None and speed is not None:
        raise typer.BadParameter("give one of --duration and --speed; the other follows", param_hint="--duration")
    campaign = Campaign(units_of(units), batches, wanted, seed)
    times = speed or (campaign.length_s / duration if duration else _BATCH_S / BATCH_WALL_S)
    _show(campaign, times, _stopped_by_signals(), forever=forever)


def _show(campaign: "Campaign", speed: float, stop: "Stop", *, forever: bool) -> None:
    from rich.console import Console

    from ops.demo.demo_plant import set_up
    from ops.demo.demo_run import DemoRun
    from ops.demo.lines import summary
    from ops.demo.results import DemoResults, UnitNow
    from ops.demo.viewing import viewer

    console = Console()
    results = DemoResults({unit: UnitNow(unit) for unit in campaign.units})
    with viewer(console) as view:
        show = DemoRun(campaign, view, speed, forever, results, stop)
        try:
            with set_up(campaign, view.step, view.fitting) as demo_plant:
                view.begin(demo_plant, campaign, speed)
                show.play(demo_plant)
        except KeyboardInterrupt:
            view.step("interrupted: everything is stopped")
    for part in summary(results, show.first_s):
        console.print(part)


def _stopped_by_signals() -> "Stop":
    """Interrupts at once on SIGINT and SIGTERM, and tells whoever asks later: a callback may swallow the exception."""
    from connectors.kafka.stop import Stop

    stop = Stop()

    def interrupt(_signum: int, _frame: FrameType | None) -> None:
        stop.request()
        raise KeyboardInterrupt

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, interrupt)
    return stop
