import pytest

from ari_bridge.providers.vendor.retry import Budget, Retry, may_pass, retry_after_s


def test_pauses_grow_up_to_the_last_try() -> None:
    retry = Retry(Budget(tries=4, total_s=10, first_pause_s=0.2), 100.0, chance=lambda: 1.0)
    assert [retry.pause_s(100.0) for _ in range(4)] == [0.2, 0.4, 0.8, None]


def test_calls_that_failed_together_do_not_come_back_together() -> None:
    assert len({Retry(Budget(), 0.0).pause_s(0.0) for _ in range(50)}) > 40


def test_a_server_s_wish_is_kept_to_inside_the_budget() -> None:
    assert Retry(Budget(total_s=3), 0.0).pause_s(0.5, retry_after_s=2.0) == 2.0
    assert Retry(Budget(total_s=3), 0.0).pause_s(0.5, retry_after_s=2.6) is None


@pytest.mark.parametrize(
    ("status", "passes"), [(429, True), (408, True), (503, True), (401, False), (400, False)]
)
def test_what_may_pass(status: int, passes: bool) -> None:
    assert may_pass(status) is passes


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (None, None),
        ("Fri, 31 Dec 1999 23:59:59", None),
        ("-1", None),
        ("nan", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds
