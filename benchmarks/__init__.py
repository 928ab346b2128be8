"""How fast the package is, beside the limit and beside others: `make bench` measures all and writes docs/benchmarks."""
