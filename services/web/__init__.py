"""What people see in a browser: static pages now; nothing here decides or changes anything."""
