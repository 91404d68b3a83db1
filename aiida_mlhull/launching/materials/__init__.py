"""What campaigns start from: candidates that are generated or cleaned, snapshots of references, elements computed."""
