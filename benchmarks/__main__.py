"""All benchmarks, one after the other: `make bench`. Each can be run alone: `python -m benchmarks.growth`."""

from benchmarks import cluster, embedded, event_store, growth, live, profile

if __name__ == "__main__":
    for benchmark in (event_store, embedded, live, profile, cluster, growth):
        benchmark.main()
