"""Who may: the schemes by which platforms sign, one file each, behind one interface (`base`)."""
