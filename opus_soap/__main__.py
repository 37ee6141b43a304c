"""`python -m opus_soap`: the same as `opus-soap`."""

from opus_soap.cli.main import main

main(prog_name="opus-soap")
