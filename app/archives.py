"""What stands in for "this archive cannot be read", whatever part of it is at fault."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib

#: all that zipfile raises: at a damaged table or stream, at a name or date out of range, at a file cut short,
#: and (RuntimeError) at encryption or a compression that it does not know
UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, ValueError, RuntimeError, OverflowError)
