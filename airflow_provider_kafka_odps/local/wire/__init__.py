"""Bytes on the wire: types, record and Arrow bodies, content encodings. Knows neither HTTP nor tables."""
