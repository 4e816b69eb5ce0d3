"""The API that operator, builder and gateway share: Ink's custom resources as typed models.

Only the standard library and pydantic may be imported here, so that every program can afford to import it.
"""
