"""The documented flows, as data: hops/*.yaml has the hops, and a file for each flow says which of them it names."""
