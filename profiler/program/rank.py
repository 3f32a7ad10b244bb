"""Which rank of which job this process is, as launchers tell the processes they start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),  # torchrun, and what follows its example
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),  # Open MPI
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),  # MVAPICH
    ("PMI_RANK", "PMI_SIZE"),  # MPICH, Intel MPI
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),  # srun; the size is the step's: a batch script is a step of one
)
"""Variables of a process's rank and its job's size; the innermost launcher first."""

RESTARTS = "TORCHELASTIC_RESTART_COUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRank:
    """One rank of a job of several."""

    rank: int
    size: int
    restarts: int = 0
    """How often torchrun has begun this rank anew."""

    @property
    def folder(self) -> str:
        """The name of what it leaves, by which `flopprof ranks` knows it.

        >>> JobRank(rank=3, size=8).folder, JobRank(rank=3, size=8, restarts=1).folder
        ('rank3', 'restart1-rank3')
        """
        return f"restart{self.restarts}-rank{self.rank}" if self.restarts else f"rank{self.rank}"


def find_rank(environment: Mapping[str, str]) -> JobRank | None:
    """The rank of the process with this environment; None for one that is no part of a job of several.

    >>> find_rank({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"})
    JobRank(rank=1, size=2, restarts=0)
    >>> find_rank({"RANK": "0", "WORLD_SIZE": "1"}) is None
    True
    """
    for rank, size in LAUNCHERS:
        told = environment.get(rank, ""), environment.get(size, "")
        if all(value.isdecimal() for value in told):
            restarts = environment.get(RESTARTS, "0")
            one = JobRank(
                rank=int(told[0]), size=int(told[1]), restarts=int(restarts) if restarts.isdecimal() else 0
            )
            return one if one.size > 1 else None
    return None
