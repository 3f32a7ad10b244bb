"""A folder's tools over the Model Context Protocol, on standard input and output: the official SDK, extra ``mcp``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...scenarios.errors import FlopprofError
from ..errors import CaptureError
from ..machine.installation import install_extra
from ..machine.version import installed_version
from .answers import Answers
from .bounded import write
from .served_folder import ServedFolder
from .sizes import CHARACTERS
from .tools import Tools

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer

INSTRUCTIONS = """Runs and traces of GPU programs in one folder, read only. Begin with list_recordings; then analyze \
a path, explain it, or compare two. Times are nanoseconds (a name's ending is its unit), unknown is null. Answers are \
bounded: `cut` says what was left out and with which arguments to ask for it. Read `quality` before any number."""


class ServerMissing(CaptureError):
    """The SDK that speaks the protocol is not installed."""

    def __init__(self) -> None:
        super().__init__(f"flopprof mcp needs the MCP SDK, version 2; install it by: {install_extra('mcp')}")


def serve(folder: Path, characters: int = CHARACTERS) -> None:
    """Answer on standard input and output until it is closed. Raises ServerMissing, NotAFolder."""
    if find_spec("mcp") is None or find_spec("mcp.server.mcpserver") is None:  # version 1 has none
        raise ServerMissing
    make_server(Answers(ServedFolder.open(folder), characters)).run("stdio")


def make_server(answers: Answers) -> MCPServer[Any]:
    """The SDK's server with its tools; needs the SDK."""
    from mcp.server.mcpserver import MCPServer
    from mcp_types import ToolAnnotations

    server: MCPServer[Any] = MCPServer(
        "flopprof", version=installed_version(), instructions=INSTRUCTIONS, log_level="WARNING"
    )
    harmless = ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    )
    for tool in Tools(answers).all():
        server.add_tool(
            _telling(tool, f"{answers.folder.root}/"), annotations=harmless, structured_output=False
        )
    return server


def _telling(tool: Callable[..., dict[str, Any]], root: str) -> Callable[..., str]:
    """A tool whose answer is JSON as a text, and whose failures are sentences, without the path of the folder."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(tool)
    def telling(*args: Any, **kwargs: Any) -> str:
        try:
            return write(tool(*args, **kwargs))
        except (FlopprofError, OSError) as error:
            raise ToolError(str(error).replace(root, "")) from error

    return telling
