"""What models of one kind share: networks on graphs, networks on weighted sets, forests."""
