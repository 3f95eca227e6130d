"""All benchmarks, one after the other: `make bench`. Each can be run alone: `python -m benchmarks.growth`."""

from benchmarks import cluster, embedded, event_store, growth, live, profile, scaling

if __name__ == "__main__":
    for benchmark in (event_store, embedded, live, profile, cluster, scaling, growth):
        benchmark.main()
