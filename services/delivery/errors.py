"""What can stand in the way of a review or a release, in words for a person. Nothing was written when one is raised."""


class DeliveryError(ValueError):
    """What was asked for cannot be: the message says which take, name or folder, why, and what to do."""


class DamagedMasterError(RuntimeError):
    """Files of takes are not what was recorded; the message names each and the remedy."""


class ChangedMeanwhileError(RuntimeError):
    """A decision, a fact or a take changed while files were written; nothing was released."""
