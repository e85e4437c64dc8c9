"""The state of a unit's watch in the form before: it is brought up to the present one."""

import base64

import msgspec

from models.records.messages import Score
from models.records.twin import Context
from tests.conftest import feed, scans, small_twin
from tests.watched import deviations, run, watch_of

# As PATrol wrote it on 2026-11-30: a batch of 15 scans with an open deviation, its end planned, two scans held back.
FORM_4 = base64.b64decode(
    "iqd2ZXJzaW9uBKRib29rxQG7eAFNkrFuE0EQhi8dygNQb4OUSBDfRiJFGoxTIlEgXCCK03hv7m6i891pd85gOiA8QHiCmNw558RUNOkp3SPR5B"
    "nyBmHOjh222ZnRv9/M/rvfT79MU2B0fOM9rnhc4FWIIwKmPOvo+SYOKPzVe/NM+7rT053C5gad6+jGitiJdqt2LJi6//rl0avGSBjndnxxL6xj"
    "CyE2UEg+wrApLOWWeFwlFCdVmRFPV/CKP1BWuyGkaW2gdLgmXAylH8T4991KqHr6UIHSvq+eKBgIVRE7xRaO0bC0Vo4yg8o/ONS+6r89UjsDYJ"
    "MoYSh/b18lu2rnfrqnqh1jt1meCID/3NH7/vXMAjkMN/mlSSCL/ys0S6AY86On2zHD0vCkmK+PxRi4RffkzGvXrHWHHJP5WmUwxMqWKdYjSEtc"
    "dJcKz6tTGhIvXtyu8rnJM7Y0KOU27vTbOUM8gdolYHGjafKBQyuObiANfizEAKmsOZNPi+6jFXJmMUKL4su07d/VP6VHRHEg1P3nB+eyNfKeYa"
    "s4qTkvyMwK4D1nIHMSWab2X3jziKzjII8ih7x9lcJDMgXDNMLfny8fvsnWP18k7p+sdW53YXRjaGVkX3VzwKhvcmRlcmluZ5TPAAZHnfcE+gAA"
    "AJimQlItMTAxqXBhdC5zY2FucwDHGQEAB5KjPGk4kQINAAAAAAAAAA4AAAAAAAAAxxkBAAeSozxpOJECAHNx851HBgAA+gT3nUcGAMcqAQAIkq"
    "M8ZjiSAgIAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAAMDAqGFzc2VtYmx5wKdwZW5kaW5nkYWkdHlwZa1iYXRjaC1ldmVudC8xpWV2"
    "ZW50pWVuZGVkqGJhdGNoX2lkokIxpHVuaXSmQlItMTAxomF01v9pW8iQqmxhc3RfYmF0Y2jAp2xhc3RfdXPPAAZHne/d7ACnd2FpdGluZ5ClYm"
    "F0Y2iLqGJhdGNoX2lkokIxp3Byb2R1Y3ShcKpzdGFydGVkX3VzzwAGR53BYBEAp2ltcGxpZWTCpXBoYXNlwKhwaGFzZV91c88ABkedwWARAKlz"
    "Y29yZWRfdXPOACzzxaRydW5zgadwcm9jZXNzlgEBAM8ABked6LbeAArPAAZHne/d7ACsZGlzYWdyZWVtZW50yz+70Q6dRdEJqWRpc2FncmVlc8"
    "KnbW9uaXRvcoGkc2Vlbg0="
)


def test_a_running_batch_goes_on_from_a_state_of_the_form_before():
    patient = msgspec.structs.replace(small_twin(), context=Context(lateness_s=120))
    watch = watch_of(patient, FORM_4)
    assert [d.deviation_id for d in watch.unit.register.open()] == ["BR-101/B1/process/1"]
    said = run(watch, feed(scans(range(15, 90), 0.0)))
    assert [(d.deviation_id, d.state) for d in deviations(said)] == [("BR-101/B1/process/1", "RTNUN")]
    assert [s.age_s for s in said if isinstance(s, Score)][-1] == 81 * 60
    assert watch_of(patient, watch.snapshot()).snapshot() == watch.snapshot()
