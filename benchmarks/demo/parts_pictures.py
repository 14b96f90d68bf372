"""Take the pictures of the page Parts for the user guide, in a process of its own.

python -m benchmarks.demo.parts_pictures DATA MODEL ATLAS A B PART OUT

Writes ``parts-pair.png`` (the answer for classes A and B, with PART selected), ``parts-matrix.png`` (what hiding each
part costs each class) and ``parts-class.png`` (the parts of A) into the folder OUT.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

SIZE = 1280, 720


def main() -> None:
    """Show the atlas in a window that nobody sees, and save its tabs."""
    data, model, atlas, a, b, part, out = sys.argv[1:]
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as home:
        os.environ["S3N_HOME"] = home
        _take(Path(data), Path(model), Path(atlas), (a, b), part, Path(out))


def _take(data: Path, model: Path, atlas: Path, pair: tuple[str, str], part: str, out: Path) -> None:
    from s3n_core.datasets.detection import open_data_set
    from s3n_gui.appearance import theme
    from s3n_gui.frame.main_window import MainWindow
    from s3n_gui.frame.screenshots import wait_until
    from s3n_gui.frame.window_program import make_application
    from s3n_gui.parts.panel import PartsPage
    from s3n_gui.state.settings import Settings

    app = make_application()
    theme.apply(app, "light")
    window = MainWindow(Settings())
    window.resize(*SIZE)
    window.show()
    window.probe.ask()
    window.show_page("parts")
    page = window.pages.page("parts")
    assert isinstance(page, PartsPage)
    window.session.data_set, window.session.model = open_data_set(data), model
    window.session.atlas = atlas
    wait_until(app, lambda: page.controller.stage == "open" and page.is_ready() and bool(window.probe.devices.name))
    content = page.controller.content
    assert content is not None
    page.pair.set_pair(*pair)
    number = content.atlas.parts.number(part)
    page.select_part(number)
    page.matrix_view.effect.click()
    page.portrait_view.show_class(pair[0])
    for tab, name in ((0, "pair"), (1, "matrix"), (3, "class")):
        page.bar.tabs.setCurrentIndex(tab)
        wait_until(app, page.is_ready)
        window.grab().save(str(out / f"parts-{name}.png"))
    window.close()


if __name__ == "__main__":
    main()
