"""The first lines of small programs that tests run in a separate process: they open the window on its first page."""

OPEN_WINDOW = """
import sys
from s3n_gui.appearance import theme
from s3n_gui.frame.window_program import make_application
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings
application = make_application()
theme.apply(application, "light")
window = MainWindow(Settings())
window.show_page("start")
window.show()
"""
