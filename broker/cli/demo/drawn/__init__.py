"""A small desktop drawn by ourselves, for machines without an X server: RFB 3.8, one window to play with."""
