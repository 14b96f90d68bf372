"""Whether what is read says what the model depends on, without annotation."""
