"""The Class tab: the parts of one class, strongest first, and the classes that share each."""
