from __future__ import annotations

from flopprof.profiler.annotation.nvtx_domain import end_of_ranges, nvtx_library, open_domain


def test_a_domain_is_real_also_where_nobody_says_that_it_is_on() -> None:
    """A dummy takes any attributes and records none; that a real one is recorded is what profile's tests show."""
    lib = nvtx_library()
    domain = open_domain(lib, "flopprof-test")
    attributes = domain.get_event_attributes("name", "green", None, 7)
    assert (attributes.message.string, attributes.color, attributes.payload) == ("name", "green", 7)
    lib.push_range(attributes, domain.handle)
    lib.pop_range(domain.handle)
    end_of_ranges(lib)(lib.start_range(attributes, domain.handle))
    lib.mark(attributes, domain.handle)
