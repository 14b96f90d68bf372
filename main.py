if __name__ == "__main__":
    import s3n_gui.app

    raise SystemExit(s3n_gui.app.main())
