"""Keep-rules. One file each, one line here; a campaign names its rule in YAML."""

from aiida_mlhull.science.registry import Registry

RULES = Registry(
    "keep-rule",
    {
        "sigma_adjusted": "aiida_mlhull.science.triage.sigma_adjusted:SigmaAdjusted",
        "top_n": "aiida_mlhull.science.triage.top_n:TopN",
        "two_sigma": "aiida_mlhull.science.triage.two_sigma:TwoSigma",
    },
)
