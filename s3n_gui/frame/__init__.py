"""The frame: main window, menus, actions, pages, and the start of it all."""
