"""The genres' data files, one YAML file each: `models.composer.genre` reads them, README.md describes their fields."""
