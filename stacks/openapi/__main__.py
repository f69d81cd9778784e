"""Write the OpenAPI document and the reference."""

from stacks import openapi

openapi.PATH.write_text(openapi.text(), encoding="utf-8")
openapi.README.write_text(openapi.readme(), encoding="utf-8")
