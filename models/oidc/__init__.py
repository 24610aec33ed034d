"""An OpenID Connect provider, as Loom sees it. Whose account its word opens is for `services.identities` to say."""

from models.oidc.opening import open_provider
from models.oidc.port import Claims, CodeGrant, IdentityProvider, SignIn

__all__ = ["Claims", "CodeGrant", "IdentityProvider", "SignIn", "open_provider"]
