"""What a model may know: of whom. One string key per entity."""

from feast import Entity, ValueType

application = Entity(name="application", join_keys=["application_id"], value_type=ValueType.STRING)
customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
loan = Entity(name="loan", join_keys=["loan_id"], value_type=ValueType.STRING)
vehicle = Entity(name="vehicle", join_keys=["vehicle_id"], value_type=ValueType.STRING)
