"""Every nanosecond of a device once: what it did, what it waited for, and whose that is."""
