"""What each error of the client means here: a table of all of them, and what is done by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kafka.errors import BrokerNotAvailableError, KafkaError, UnknownBrokerIdError
from kit.clusters import cluster_at
from twins.clock import HandClock

from airflow_provider_kafka_odps.clients.kafka.errors import may_pass, retried, translated
from airflow_provider_kafka_odps.exceptions import BrokerRefused, Unreachable

RETRIABLE = """
    Cancelled ConcurrentTransactionsError CoordinatorLoadInProgressError CoordinatorNotAvailableError
    CorrelationIdError ElectionNotNeededError EligibleLeadersNotAvailableError FencedLeaderEpochError
    FetchSessionIdNotFoundError FetchSessionTopicIdError InconsistentTopicIdError InvalidFetchSessionEpochError
    InvalidMetadataError InvalidShareSessionEpochError KafkaConnectionError KafkaStorageError KafkaTimeoutError
    LeaderNotAvailableError ListenerNotFoundError MetadataEmptyBrokerList NetworkExceptionError
    NodeNotReadyError NotControllerError NotCoordinatorError NotEnoughReplicasAfterAppendError
    NotEnoughReplicasError NotLeaderForPartitionError OffsetNotAvailableError PreferredLeaderNotAvailableError
    ReplicaNotAvailableError RequestTimedOutError RetriableError ShareSessionNotFoundError StaleMetadata
    ThrottlingQuotaExceededError TooManyInFlightRequests UnjoinedGroupException UnknownLeaderEpochError
    UnknownTopicIdError UnknownTopicOrPartitionError UnstableOffsetCommitError
"""
"""What the client itself calls retriable: the answer is late, the leader or the coordinator is another one by now."""
NOT_KNOWN_YET = """
    BrokerIdNotRegisteredError BrokerNotAvailableError NewLeaderElectedError StaleBrokerEpochError
    StaleControllerEpochError UnknownBrokerIdError UnknownControllerIdError
"""
"""What the client takes for final, and a broker that starts, pauses or changes its role says for a while."""
FINAL = """
    AuthorizationError BrokerResponseError ClusterAuthorizationFailedError CommitFailedError CorruptRecordError
    DelegationTokenAuthDisabledError DelegationTokenAuthorizationFailedError DelegationTokenExpiredError
    DelegationTokenNotFoundError DelegationTokenOwnerMismatchError DelegationTokenRequestNotAllowedError
    DuplicateBrokerRegistrationError DuplicateResourceError DuplicateSequenceNumberError DuplicateVoterError
    FeatureUpdateFailedError FencedInstanceIdError FencedMemberEpochError FencedStateEpochError
    GroupAuthorizationFailedError GroupIdNotFoundError GroupMaxSizeReachedError GroupSubscribedToTopicError
    IllegalArgumentError IllegalGenerationError IllegalSaslStateError IllegalStateError
    IncompatibleBrokerVersion InconsistentClusterIdError InconsistentGroupProtocolError
    InconsistentVoterSetError IneligibleReplicaError InvalidCommitOffsetSizeError InvalidConfigurationError
    InvalidFetchRequestError InvalidGroupIdError InvalidPartitionsError InvalidPrincipalTypeError
    InvalidProducerEpochError InvalidProducerIdMappingError InvalidReceiveError InvalidRecordError
    InvalidRecordStateError InvalidRegistrationError InvalidReplicationAssignmentError
    InvalidReplicationFactorError InvalidRequestError InvalidRequiredAcksError InvalidSessionTimeoutError
    InvalidTimestampError InvalidTopicError InvalidTransactionTimeoutError InvalidTxnStateError
    InvalidUpdateVersionError InvalidVoterKeyError KafkaConfigurationError KafkaProtocolError
    LogDirNotFoundError LogTruncationError MemberIdRequiredError MessageSizeTooLargeError
    MismatchedEndpointTypeError NoError NoOffsetForPartitionError NoReassignmentInProgressError
    NonEmptyGroupError OffsetMetadataTooLargeError OffsetMovedToTieredStorageError OffsetOutOfRangeError
    OperationNotAttemptedError OutOfOrderSequenceNumberError PolicyViolationError PositionOutOfRangeError
    PrincipalDeserializationFailureError ProducerFencedError QuotaViolationError ReassignmentInProgressError
    RebalanceInProgressError RecordListTooLargeError RecordTooLargeError ResourceNotFoundError
    SaslAuthenticationFailedError SecurityDisabledError SnapshotNotFoundError StaleMemberEpochError
    TelemetryTooLargeError TopicAlreadyExistsError TopicAuthorizationFailedError TopicDeletionDisabledError
    TransactionAbortableError TransactionAbortedError TransactionCoordinatorFencedError
    TransactionalIdAuthorizationFailedError TransactionalIdNotFoundError UnacceptableCredentialError
    UnknownError UnknownMemberIdError UnknownProducerIdError UnknownSubscriptionIdError
    UnrecognizedBrokerVersion UnreleasedInstanceIdError UnsupportedAssignorError UnsupportedCodecError
    UnsupportedCompressionTypeError UnsupportedEndpointTypeError UnsupportedForMessageFormatError
    UnsupportedSaslMechanismError UnsupportedVersionError VoterNotFoundError
"""
"""The same question has the same answer in a minute, or whoever asks has to know what it means (members of a group)."""


def kinds_of(kind: type[KafkaError]) -> Iterator[type[KafkaError]]:
    """Yield all of the client's classes below one."""
    for each in kind.__subclasses__():
        if each.__module__.partition(".")[0] == "kafka":
            yield each
        yield from kinds_of(each)


KINDS = {kind.__name__: kind for kind in kinds_of(KafkaError)}


def test_each_error_of_the_client_has_its_place_in_the_table() -> None:
    """A release of kafka-python with a new error, or without an old one, is looked at before it is used."""
    assert sorted(KINDS) == sorted(f"{RETRIABLE} {NOT_KNOWN_YET} {FINAL}".split())


@pytest.mark.parametrize(
    ("names", "retriable", "passing"), [(RETRIABLE, True, True), (NOT_KNOWN_YET, False, True), (FINAL, False, False)]
)
def test_the_table_says_what_is_asked_again(names: str, retriable: bool, passing: bool) -> None:
    """What the client says of an error is as written here, and so is what we make of it."""
    for name in names.split():
        kind = KINDS[name]
        # Some are not made without arguments.
        assert (name, kind.retriable, may_pass(BaseException.__new__(kind))) == (name, retriable, passing)


@pytest.mark.parametrize("kind", [UnknownBrokerIdError, BrokerNotAvailableError])
def test_a_broker_that_is_not_known_yet_is_waited_for(kind: type[KafkaError]) -> None:
    """After a pause of the broker the client does not know the leader for a moment: the question is asked again."""
    clock, errors = HandClock(), [kind(-1), kind(-1)]

    def question() -> str:
        if errors:
            raise errors.pop()
        return "answer"

    assert retried(question, clock) == "answer"
    assert clock.slept == [0.05, 0.1]


def test_a_broker_that_stays_unknown_is_one_that_a_later_attempt_may_find() -> None:
    """The sensor asks again and the task is retried; what is final is still refused."""
    cluster = cluster_at("127.0.0.1:1")
    found = translated(UnknownBrokerIdError(-1), cluster, 30.0)
    assert isinstance(found, Unreachable)
    assert str(found).startswith(f"{cluster}: no answer within 30 s (UnknownBrokerIdError: -1)")
    assert isinstance(translated(KINDS["InvalidTopicError"](), cluster, 30.0), BrokerRefused)
