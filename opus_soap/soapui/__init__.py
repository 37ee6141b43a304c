"""Projects for SoapUI 5: a service's contract, requests that can be sent, security, and a test suite.

The shape is SoapUI's own (`http://eviware.com/soapui/config`): elements of the project are in that
namespace, those of a configuration in none.
"""
