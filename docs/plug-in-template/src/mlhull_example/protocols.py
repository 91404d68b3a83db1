"""Settings that campaign files start from by ``protocol: quick-look``."""

QUICK_LOOK = {
    "description": "A potential relaxes every candidate in few steps: for a first look at many.",
    "stages": [
        {
            "name": "final",
            "engine": "potential",
            "settings": {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 40}},
        }
    ],
}
