"""Extensions: folders, `.jar` and `.zip` bundles that give the site an institution's face."""
