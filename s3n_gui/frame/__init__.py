"""The frame: main window, menus, actions, pages, dialogs, and the program's start."""
