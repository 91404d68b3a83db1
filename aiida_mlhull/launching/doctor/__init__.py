"""Is everything there that a campaign needs: profile, broker, daemon, codes, potentials, disk?"""
