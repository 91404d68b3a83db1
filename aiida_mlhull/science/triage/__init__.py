"""Keep-rules: which candidates are worth the next stage. One file each, one line here; a campaign names its rule in YAML."""

from aiida_mlhull.science.registry import Registry

RULES = Registry(
    "keep-rule",
    {
        "budget": "aiida_mlhull.science.triage.budget:Budget",
        "committee": "aiida_mlhull.science.triage.committee:Committee",
        "competing": "aiida_mlhull.science.triage.competing:Competing",
        "discovery": "aiida_mlhull.science.triage.discovery:Discovery",
        "oracle": "aiida_mlhull.science.triage.oracle:Oracle",
        "probability": "aiida_mlhull.science.triage.probability:Probability",
        "random": "aiida_mlhull.science.triage.random:Random",
        "recall_target": "aiida_mlhull.science.triage.recall_target:RecallTarget",
        "sigma_adjusted": "aiida_mlhull.science.triage.sigma_adjusted:SigmaAdjusted",
        "top_n": "aiida_mlhull.science.triage.top_n:TopN",
        "two_sigma": "aiida_mlhull.science.triage.two_sigma:TwoSigma",
    },
    group="mlhull.rules",
)
