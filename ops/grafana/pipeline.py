"""*Pipeline*: PATrol itself, from the topics to the pager."""

from ops.grafana.panels import Dashboard, Panel, Query

_JOB = 'job="patrol"'

_ALIVE = (
    Panel(
        "PATrol answers",
        "1: Prometheus gets its metrics.",
        (Query(f"up{{{_JOB}}}", "{{instance}}"),),
        kind="state-timeline",
        alerts=("PatrolDown",),
        height=5,
    ),
    Panel(
        "Broker and catching up",
        "1: the broker answers; 1: all there was to read has been read, and verdicts are about now.",
        (Query("patrol_broker_up", "broker {{instance}}"), Query("patrol_caught_up", "caught up {{instance}}")),
        kind="state-timeline",
        alerts=("PatrolBrokerAway", "PatrolNotCaughtUp"),
        height=5,
    ),
    Panel(
        "Starts in half an hour",
        "How often the process has started anew.",
        (Query(f"changes(process_start_time_seconds{{{_JOB}}}[30m])", "{{instance}}"),),
        kind="stat",
        limit=3,
        alerts=("PatrolRestarting",),
        width=4,
        height=5,
    ),
    Panel(
        "Since the last poll",
        "A flow that polls is alive.",
        (Query("instance:patrol_poll_age:seconds", "{{instance}}"),),
        kind="stat",
        unit="s",
        limit=60,
        alerts=("PatrolStuck",),
        width=4,
        height=5,
    ),
)

_TRAFFIC = (
    Panel(
        "Messages not read yet",
        "By topic.",
        (Query("topic:patrol_lag_messages:sum", "{{topic}} {{instance}}"),),
        limit=1000,
        alerts=("PatrolLagGrowing",),
    ),
    Panel(
        "Latency",
        "From a scan's event time to its verdict. Large while old scans are caught up with.",
        (
            Query("instance:patrol_verdict_latency_seconds:p99_5m", "99 % {{instance}}"),
            Query("instance:patrol_verdict_latency_seconds:p50_5m", "50 % {{instance}}"),
        ),
        unit="s",
        limit=5,
        alerts=("PatrolLatencyHigh",),
    ),
    Panel(
        "Scans by unit",
        "Scans and readings a second.",
        (Query("unit:patrol_scans:rate5m", "{{unit}}"),),
        unit="cps",
    ),
    Panel(
        "Blocks and verdicts",
        "Blocks of scans that arrived and verdicts given, a second.",
        (
            Query(f"sum(rate(patrol_blocks_total{{{_JOB}}}[5m]))", "blocks"),
            Query(f"sum(rate(patrol_verdict_latency_seconds_count{{{_JOB}}}[5m]))", "verdicts"),
        ),
        unit="cps",
    ),
    Panel(
        "Dead letters in ten minutes",
        "Messages that could not be used, by reason.",
        (Query("reason:patrol_dead_letters:increase10m", "{{reason}}"),),
        limit=1,
        alerts=("PatrolDeadLetters",),
    ),
    Panel(
        "Unknown tags in ten minutes",
        "Values of tags the twin does not know.",
        (Query("increase(patrol_unknown_tag_values_total[10m])", "{{instance}}"),),
        limit=1,
        alerts=("PatrolUnknownTags",),
    ),
    Panel(
        "Units that are not watched",
        "Beyond the twin's units_max: batches on them run unwatched.",
        (Query("max by (job, instance) (last_over_time(patrol_units_left_out[1m]))", "{{instance}}"),),
        limit=1,
        alerts=("PatrolUnitsLeftOut",),
    ),
    Panel(
        "Messages removed before they were read",
        "By retention, or with their topic: nobody judged them.",
        (Query("sum by (topic) (last_over_time(patrol_lost_messages_total[1m]))", "{{topic}}"),),
        limit=1,
        alerts=("PatrolMessagesLost",),
    ),
    Panel(
        "Remarks in ten minutes",
        "Late or repeated events, unknown batches: the link to the MES.",
        (Query("sum by (kind) (increase(patrol_remarks_total[10m]))", "{{kind}}"),),
    ),
    Panel(
        "Errors of the Kafka client",
        "By librdkafka's name, a second.",
        (Query("sum by (kind) (rate(patrol_broker_errors_total[5m])) or vector(0)", "{{kind}}"),),
        unit="cps",
    ),
    Panel(
        "Deviations raised in an hour",
        "By grade.",
        (Query("sum by (grade) (increase(patrol_deviations_raised_total[1h]))", "{{grade}}"),),
    ),
)

_STORE = (
    Panel(
        "Age of the newest snapshot",
        "What a crash would do again.",
        (Query("flow:patrol_snapshot_age:seconds", "{{flow}} {{instance}}"),),
        unit="s",
        limit=60,
        alerts=("PatrolSnapshotsFailing",),
    ),
    Panel(
        "Recovery store",
        "Its size.",
        (Query("patrol_recovery_store_bytes", "{{flow}} {{instance}}"),),
        unit="bytes",
    ),
    Panel(
        "Memory",
        "Resident.",
        (Query(f"process_resident_memory_bytes{{{_JOB}}}", "{{instance}}"),),
        unit="bytes",
    ),
    Panel(
        "CPU",
        "Cores; one process uses one.",
        (Query(f"rate(process_cpu_seconds_total{{{_JOB}}}[5m])", "{{instance}}"),),
    ),
    Panel(
        "What runs",
        "Version and configuration of each process, and the reference it judges against.",
        (Query("patrol_build_info"), Query("patrol_reference_info")),
        kind="table",
        alerts=("ReferenceUnapproved",),
        width=16,
    ),
)

_CONSOLE = (
    Panel(
        "Console answers",
        "1: Prometheus gets the control-room page's metrics.",
        (Query('up{job="patrol-console"}', "{{instance}}"),),
        kind="state-timeline",
        alerts=("ConsoleDown",),
        height=5,
    ),
    Panel(
        "Console: what is shown may be old",
        "1: it cannot show what Kafka holds.",
        (Query("patrol_console_stale", "{{instance}}"),),
        kind="state-timeline",
        alerts=("ConsoleStale",),
        height=5,
    ),
    Panel(
        "Console: messages not read yet",
        "Large after a start.",
        (Query("patrol_console_lag_messages", "{{instance}}"),),
        height=5,
    ),
    Panel(
        "Console: pages open, sign-ins refused",
        "Refused in ten minutes; many: somebody guesses.",
        (
            Query("patrol_console_pages", "pages {{instance}}"),
            Query("increase(patrol_console_sign_ins_refused_total[10m])", "refused {{instance}}"),
        ),
        height=5,
    ),
)

_WAY_OUT = (
    Panel(
        "Notifications that failed in ten minutes",
        "Alertmanager's, by integration.",
        (Query("sum by (integration) (increase(alertmanager_notifications_failed_total[10m]))", "{{integration}}"),),
        limit=1,
        alerts=("AlertsNotDelivered",),
    ),
    Panel(
        "Heartbeat",
        "1: Prometheus evaluates its rules; whoever gets the heartbeat calls when it stops.",
        (Query('ALERTS{alertname="Watchdog"}', "{{alertstate}}"),),
        kind="state-timeline",
        alerts=("Watchdog",),
    ),
    Panel(
        "Evaluating the rules",
        "Seconds a rule group takes.",
        (Query("prometheus_rule_group_last_duration_seconds", "{{rule_group}}"),),
        unit="s",
    ),
)

PIPELINE = Dashboard(
    "patrol-pipeline",
    "PATrol: Pipeline",
    "PATrol itself: lag, latency, throughput, errors, snapshots, and the way its alerts take.",
    (*_ALIVE, *_TRAFFIC, *_STORE, *_CONSOLE, *_WAY_OUT),
)
