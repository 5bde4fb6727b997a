"""Take the list of common passwords again out of the package that keeps it.

python app/signin/data/refresh.py

Run by hand when the version changes.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DJANGO = "5.2.19"


def main() -> None:
    """Write the list and its licence beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"django=={DJANGO}"]
        subprocess.run(command, check=True)  # noqa: S603 - name and version from above
        package = zipfile.ZipFile(next(Path(folder).glob("django-*.whl")))
        (HERE / "common_passwords.txt").write_bytes(gzip.decompress(package.read("django/contrib/auth/common-passwords.txt.gz")))
        (HERE / "LICENSE.django").write_bytes(package.read(f"django-{DJANGO}.dist-info/licenses/LICENSE"))


if __name__ == "__main__":
    main()
