"""What proves who somebody is: passwords, signed access tokens, opaque secrets, and how often one may guess."""
