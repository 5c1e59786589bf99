"""How hard Hypothesis looks: `default` in every run, `--hypothesis-profile=thorough` by hand."""

from hypothesis import HealthCheck, settings

# No deadline: the machine's load decides how long an example takes. A failure prints the line that repeats it.
settings.register_profile("default", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=5_000)
settings.load_profile("default")
