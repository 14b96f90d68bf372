"""The commands of the command line, one a file. Heavy modules are imported inside the functions: --help must be quick."""
