"""Small pieces the views share."""
