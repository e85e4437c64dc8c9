"""*Batch*: one running batch against its envelope, as far as metrics carry it."""

from ops.grafana.panels import Dashboard, Panel, Query, Variable

_SAYS = """\
Metrics carry a batch's distance from its envelope, not the envelope: **T²** and **SPE** over their limits (1 is the
limit of released batches at the same maturity), the maturity, and which sensors are fit. Every tag against its
envelope, the contributions at any moment and the comparison with earlier batches are on the console: there the
reference is at hand.
The time range is the batch's own: its age now is in the first panel."""

BATCH = Dashboard(
    "patrol-batch",
    "PATrol: Batch",
    "One running batch against its envelope.",
    (
        Panel(
            "Batch",
            "The batch that runs on the unit, its product and phase.",
            (Query('patrol_batch_running_info{unit="$unit"}'),),
            kind="table",
            height=5,
        ),
        Panel(
            "Age",
            "Event time since the batch started.",
            (Query('patrol_batch_age_seconds{unit="$unit"}', "age"),),
            kind="stat",
            unit="s",
            width=4,
            height=5,
        ),
        Panel(
            "Maturity",
            "Progress along the recipe.",
            (Query('patrol_batch_maturity_ratio{unit="$unit"}', "maturity"),),
            kind="stat",
            unit="percentunit",
            width=4,
            height=5,
        ),
        Panel("What is shown", "", kind="text", text=_SAYS, height=5),
        Panel(
            "T² and SPE over their limits",
            "1 is the limit that released batches give at this maturity. T²: farther along known directions. SPE: tags "
            "no longer move together.",
            (
                Query('patrol_t2_limit_ratio{unit="$unit"}', "T²"),
                Query('patrol_spe_limit_ratio{unit="$unit"}', "SPE"),
            ),
            limit=1,
            width=24,
            height=10,
        ),
        Panel(
            "Deviations",
            "Active and returned, by category, priority and grade.",
            (
                Query(
                    'sum by (category, priority, grade) (patrol_active_deviations{unit="$unit"})',
                    "{{category}} {{priority}} {{grade}}",
                ),
                Query(
                    'sum by (category, priority, grade) (patrol_returned_deviations{unit="$unit"})',
                    "returned: {{category}} {{priority}} {{grade}}",
                ),
            ),
            width=12,
        ),
        Panel(
            "Progress along the recipe",
            "A level stretch: the batch is held, or its indicator is stuck.",
            (Query('patrol_batch_maturity_ratio{unit="$unit"}', "maturity"),),
            unit="percentunit",
            width=12,
        ),
        Panel(
            "Sensors",
            "1: fit to judge. 0: left out of T² and SPE.",
            (Query('patrol_sensor_fit{unit="$unit"}', "{{tag}}"),),
            kind="state-timeline",
            width=12,
            height=10,
        ),
        Panel(
            "Disagreement with the batch's own learner",
            "Share of late scans in which the approved reference and the learner disagreed.",
            (Query('patrol_learner_disagreement_ratio{unit="$unit"}', "disagreement"),),
            unit="percentunit",
            limit=0.9,
            width=12,
            height=10,
        ),
    ),
    (Variable("unit", "Unit", "label_values(patrol_unit_quiet, unit)"),),
    since="now-24h",
)
