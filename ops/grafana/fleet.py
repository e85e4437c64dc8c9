"""*Fleet*: all units at a glance, and what the alarm system asks of people."""

from ops.grafana.panels import Dashboard, Panel, Query

_NOT_WATCHDOG = 'ALERTS{alertstate="firing", alertname!="Watchdog"}'

_NOW = (
    Panel(
        "Unacknowledged deviations",
        "Of grade approved, by priority; nobody has acknowledged them yet.",
        (Query("sum by (priority) (unit_priority:patrol_unacknowledged_deviations:sum)", "{{priority}}"),),
        kind="stat",
        limit=1,
        alerts=("DeviationHigh", "DeviationMedium", "DeviationLow"),
        height=5,
    ),
    Panel(
        "Quiet units",
        "A batch runs and no scan comes: it is not watched.",
        (Query("patrol_unit_quiet", "{{unit}}"),),
        kind="state-timeline",
        limit=1,
        alerts=("UnitQuiet",),
        height=5,
    ),
    Panel(
        "Alerts",
        "Firing now.",
        (Query(f"sum by (alertname, unit, priority) ({_NOT_WATCHDOG})"),),
        kind="table",
        height=5,
    ),
    Panel(
        "Units",
        "Each unit's batch, its age, maturity, T² and SPE over their limits, active deviations, and whether it learns.",
        (
            Query("max by (unit, batch_id, product, phase) (patrol_batch_running_info)", "runs"),
            Query("max by (unit) (patrol_batch_age_seconds)", "age, s"),
            Query("max by (unit) (patrol_batch_maturity_ratio)", "maturity"),
            Query("max by (unit) (patrol_t2_limit_ratio)", "T²/limit"),
            Query("max by (unit) (patrol_spe_limit_ratio)", "SPE/limit"),
            Query("sum by (unit) (unit_priority:patrol_active_deviations:sum)", "active deviations"),
            Query("max by (unit) (patrol_learning)", "learning"),
        ),
        kind="table",
        alerts=("ColdStartLong",),
        width=24,
        height=9,
    ),
)

_TRAJECTORY = (
    Panel(
        "T² over its limit",
        "Above 1: farther from the centre, along known directions, than released batches were at this point.",
        (Query("max by (unit) (patrol_t2_limit_ratio)", "{{unit}}"),),
        limit=1,
    ),
    Panel(
        "SPE over its limit",
        "Above 1: tags no longer move together as they did in released batches.",
        (Query("max by (unit) (patrol_spe_limit_ratio)", "{{unit}}"),),
        limit=1,
    ),
    Panel(
        "Maturity",
        "Progress along the recipe.",
        (Query("max by (unit) (patrol_batch_maturity_ratio)", "{{unit}}"),),
        unit="percentunit",
    ),
    Panel(
        "Active deviations",
        "Of grade approved, by unit: acknowledged or not.",
        (Query("sum by (unit) (unit_priority:patrol_active_deviations:sum)", "{{unit}}"),),
    ),
    Panel(
        "Disagreement",
        "Share of late scans in which the approved reference and the batch's own learner disagreed.",
        (Query("max by (unit) (patrol_learner_disagreement_ratio)", "{{unit}}"),),
        unit="percentunit",
        limit=0.9,
        alerts=("ReferenceDisagreement",),
    ),
    Panel(
        "Sensors left out",
        "Tags whose readings are not fit to judge.",
        (Query("sum by (unit) (1 - patrol_sensor_fit)", "{{unit}}"),),
        limit=1,
        alerts=("SensorLeftOut",),
    ),
)

_ALARM_SYSTEM = (
    Panel(
        "Annunciations in ten minutes",
        "What the operators of this console are told. More than 10: a flood.",
        (
            Query("max(patrol_current_alarm_rate)", "now"),
            Query("max(patrol_maximum_alarm_rate)", "most in 30 days"),
            Query("max(patrol_alarm_flood) * 10", "flood"),
        ),
        limit=10,
        alerts=("AlarmFlood",),
    ),
    Panel(
        "Annunciations per ten minutes, average",
        "Over 30 days or since PATrol started. One is acceptable, two the most a person manages (EEMUA 191).",
        (Query("max(patrol_average_alarm_rate)", "average"),),
        limit=2,
        alerts=("AlarmRateHigh",),
    ),
    Panel(
        "Annunciations a day",
        "By Prometheus's own record, which outlives PATrol's process.",
        (Query("patrol_annunciations:increase1d", "a day"), Query("patrol_annunciations:increase10m", "ten minutes")),
    ),
    Panel(
        "Most frequent alarms",
        "The ten most frequent sources (unit/cause) and how often they were annunciated.",
        (Query("sort_desc(patrol_frequent_alarms)", "{{source}}"),),
        kind="bargauge",
    ),
    Panel(
        "Bad actors",
        "Sources that chatter, alarms that stand for over a day (fewer than 5 is the target), alarms on a shelf.",
        (
            Query("max(patrol_chattering_alarms)", "chattering"),
            Query("max(patrol_stale_alarms)", "stale"),
            Query("max(patrol_shelved_alarms)", "shelved"),
        ),
        kind="stat",
        limit=1,
        alerts=("ChatteringAlarms", "StaleAlarms"),
    ),
    Panel(
        "Floods and priorities",
        "Floods, time in flood (target: below 1 %), and the share by priority (target: 80/15/5 %).",
        (
            Query("max(patrol_alarm_floods)", "floods"),
            Query("max(patrol_alarm_flood_seconds)", "seconds in flood"),
            Query("max by (priority) (patrol_alarm_priority_ratio)", "{{priority}}"),
        ),
        kind="stat",
    ),
    Panel(
        "Longest",
        "The longest a condition stood, and the longest anything waited for an acknowledgement.",
        (
            Query("max(patrol_maximum_active_state_seconds)", "active"),
            Query("max(patrol_maximum_unack_seconds)", "unacknowledged"),
        ),
        kind="stat",
        unit="s",
    ),
)

FLEET = Dashboard(
    "patrol-fleet",
    "PATrol: Fleet",
    "All units, their batches and deviations, and what the alarm system asks of people.",
    (*_NOW, *_TRAJECTORY, *_ALARM_SYSTEM),
)
